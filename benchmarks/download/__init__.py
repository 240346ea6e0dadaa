"""What the downloader costs, beside img2dataset and beside what its work costs at least."""
