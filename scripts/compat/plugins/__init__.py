"""What runs inside the environment of a suite, on its Python path: nothing of the project may be there to be found."""
