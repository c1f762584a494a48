"""What others send to us: each way in ends here, in staging."""
