# Problems of diagrams and their texts: codes D….
# The attribute `.hint` says what to do. Both languages have the same ids and the same variables.
