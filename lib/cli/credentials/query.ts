import jmespath from 'jmespath'
import { UsageError } from '../terminal/failure.js'
import type { Value } from './value.js'

/** Selects a part of a response. */
export type Query = (response: Record<string, string | number>) => Value

// The types do not contain it. It parses an expression without applying it.
const parseExpression = (jmespath as unknown as { compile(expression: string): unknown }).compile

/** @throws UsageError if the expression is invalid. The query throws one if it does not fit the response. */
export function compileQuery(expression: string): Query {
  const shown = `--query ${JSON.stringify(expression)}`
  try {
    parseExpression(expression)
  } catch (error) {
    throw new UsageError(`${shown} is not a JMESPath expression: ${reason(error)}.`)
  }
  return response => {
    try {
      return jmespath.search(response, expression) as Value
    } catch (error) {
      // The parser accepts a dot at the end, and the interpreter then throws a TypeError.
      if (error instanceof TypeError) throw new UsageError(`${shown} is not a JMESPath expression: it is incomplete.`)
      throw new UsageError(`${shown} cannot be applied to the response: ${reason(error)}.`)
    }
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')
