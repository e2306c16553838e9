"""TensorFlow and Keras as they are: imports, tensors, data, state, patches."""
