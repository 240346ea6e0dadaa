"""The model itself: preprocessing, backbone, weights, folder; for trainer and serving alike."""
