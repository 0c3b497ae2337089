"""What must not leave the machine, found in text and put out of sight."""
