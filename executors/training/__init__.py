"""What `pretrain` is made of: options, facts, recording, the live line."""
