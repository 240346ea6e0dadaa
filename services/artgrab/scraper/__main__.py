"""`python -m artgrab.scraper`: scrapes one category until its run has ended."""

import argparse
import sys

from artgrab.scraper.job import add_options, main

if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m artgrab.scraper", description=__doc__)
    add_options(parser)
    sys.exit(main(parser.parse_args()))
