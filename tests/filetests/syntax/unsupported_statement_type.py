# test: syntax
type Sizes = list[int]  # error: [syntax::unsupported_statement]
