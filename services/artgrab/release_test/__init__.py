"""What `helm test` runs: from categories to a prediction, on the cluster that artgrab is in.

It makes the categories and the classifier that its settings name, waits until the classifier is
ready, asks it about a picture, and removes what it made.
"""
