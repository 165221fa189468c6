"""Days that are unlike what their series has shown before."""
