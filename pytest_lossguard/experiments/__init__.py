"""What is learned by running a training again; the training is an argument."""
