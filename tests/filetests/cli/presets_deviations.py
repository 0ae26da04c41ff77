# test: cli
# run: presets --deviations
