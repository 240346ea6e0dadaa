"""The kopf operator: watches ArtCategories and brings about what they ask for."""
