"""Access to TensorFlow and Keras: imports, tensors, data, state and patches."""
