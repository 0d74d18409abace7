"""What a run shows of itself, in the Prefect UI, in the terminal and to people; it decides nothing."""
