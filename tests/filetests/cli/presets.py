# test: cli
# run: presets
