# test: cli
# run: explain check::output_shape
# exit: 0
# The page is printed as it is.
