"""What sites ask of robots, and whom they can write to."""
