# test: cli
# run: explain nasc::shape::nothing
# exit: 2
# There is no such code.
