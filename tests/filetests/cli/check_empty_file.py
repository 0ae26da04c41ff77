# test: cli
# run: check {file}
# exit: 1
