# test: cli
# run: check {file}.txt
# exit: 2
# The name has no file.
