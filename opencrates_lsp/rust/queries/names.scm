; The types that a piece of Rust names, and the parameters that only look like ones.
(type_identifier) @type
(scoped_identifier path: (identifier) @path)
(scoped_identifier path: (scoped_identifier name: (identifier) @path))
(token_tree (identifier) @word)
(type_parameter name: (type_identifier) @parameter)
(const_parameter name: (identifier) @parameter)

; The functions that it calls.
(call_expression function: (identifier) @call)
(call_expression function: (scoped_identifier name: (identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (field_expression field: (field_identifier) @call))
(generic_function function: (field_expression field: (field_identifier) @call))
