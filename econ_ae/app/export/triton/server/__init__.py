"""What runs inside of the inference server or beside its client: numpy alone, copied into the export as it is."""
