"""What torch, Keras, timm and Flax call things, and what these are called in a spec; read only to word a message."""
