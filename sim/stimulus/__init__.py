"""What designs are tested with: settings, corners, random and real events, and what each must give."""
