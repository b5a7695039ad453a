"""What `ledger run corpus` has apart: recording.py what goes on record, tables.py what is shown."""
