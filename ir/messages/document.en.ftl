# Problems of IR documents: codes I….
# The attribute `.hint` says what to do. Both languages have the same ids and the same variables.
