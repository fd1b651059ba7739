"""The grammar of FEEL (DMN 1.5, clause 10.3.1.2) for the parser library; the words come from the lexer beside it."""

GRAMMAR = r"""
?expression: choice | loop | quantified | lambda | either
tests: NEGATE "(" test ("," test)* ")"        -> none_of
     | test ("," test)*                      -> any_of
?test: expression | sign additive            -> sign_test

choice: "if" expression "then" expression "else" expression
loop: "for" iterator ("," iterator)* "return" expression
iterator: NAME [":" type] "in" expression [".." expression]
quantified: (SOME | EVERY) iterator ("," iterator)* "satisfies" expression
lambda: "function" "(" [parameter ("," parameter)*] ")" [":" type] [EXTERNAL] expression
parameter: NAME [":" type]

?either: both | either "or" both               -> or_
?both: compared | both "and" compared          -> and_
?compared: additive
  | compared sign additive                     -> compare
  | compared "between" additive "and" additive -> between
  | compared "in" additive                     -> in_value
  | compared "in" sign additive                -> in_sign
  | compared "in" "(" test ("," test)+ ")"     -> in_tests
  | compared "instance" type                   -> instance
!sign: "=" | "!=" | "<" | "<=" | ">" | ">="

?additive: product | additive (PLUS | MINUS) product     -> arithmetic
?product: power | product (TIMES | SLASH) power          -> arithmetic
?power: unary | power POWER unary                        -> arithmetic
?unary: postfix | MINUS unary                            -> minus
?postfix: primary
  | postfix "." NAME                           -> path
  | postfix "[" expression "]"                 -> filter
  | postfix "(" ")"                            -> call
  | postfix "(" expression ("," expression)* ")" -> call
  | postfix "(" argument ("," argument)* ")"   -> call_named
argument: (NAME | STRING) ":" expression
?primary: literal
  | NAME                                       -> name
  | "(" expression ")"
  | EMPTY_LIST                                 -> list
  | "[" expression ("," expression)* "]"       -> list
  | "{" [entry ("," entry)*] "}"               -> context
  | range
  | "(" sign additive ")"                      -> sign_range
?literal: NUMBER -> number | STRING -> string | AT -> at | TRUE -> true | FALSE -> false | NULL -> null
entry: (NAME | STRING) ":" expression
!range: ("(" | "[" | "]") expression ".." end closing
!closing: ")" | "]" | "["

?end: end_product | end (PLUS | MINUS) end_product             -> arithmetic
?end_product: end_unary | end_product (TIMES | SLASH) end_unary -> arithmetic
?end_unary: end_postfix | MINUS end_unary                      -> minus
?end_postfix: literal
  | NAME                                       -> name
  | "(" expression ")"
  | end_postfix "." NAME                       -> path
  | end_postfix "(" ")"                        -> call
  | end_postfix "(" expression ("," expression)* ")" -> call
  | end_postfix "(" argument ("," argument)* ")"     -> call_named

type: NAME ("." NAME)*                         -> named_type
  | NAME "<" type ">"                          -> made_type
  | NAME "<" field ("," field)* ">"            -> context_type
  | "function" "<" [type ("," type)*] ">" "->" type -> function_type
field: NAME ":" type

SOME: "some"
EVERY: "every"
EXTERNAL: "external"
TRUE: "true"
FALSE: "false"
NULL: "null"
PLUS: "+"
MINUS: "-"
TIMES: "*"
SLASH: "/"
POWER: "**"
EMPTY_LIST: "[]"
%declare NAME NUMBER STRING AT NEGATE
"""
