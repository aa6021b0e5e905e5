"""labelhouse: an open lakehouse for labelling operations and the models trained on the labels."""
