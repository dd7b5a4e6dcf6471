import jmespath from 'jmespath'
import { UsageError } from '../terminal/failure.js'
import type { Value } from './value.js'

/** Chooses from an answer. */
export type Query = (answer: Record<string, string | number>) => Value

// Missing in the types: it throws what `search` would throw, before there is anything to search.
const parseExpression = (jmespath as unknown as { compile(expression: string): unknown }).compile

/** @throws UsageError, and so does the query where it does not fit the answer */
export function compileQuery(expression: string): Query {
  const shown = `--query ${JSON.stringify(expression)}`
  try {
    parseExpression(expression)
  } catch (error) {
    throw new UsageError(`${shown} is no JMESPath expression: ${reason(error)}.`)
  }
  return answer => {
    try {
      return jmespath.search(answer, expression) as Value
    } catch (error) {
      // The parser lets pass what ends with a dot, and the interpreter falls over it.
      if (error instanceof TypeError) throw new UsageError(`${shown} is no JMESPath expression: it is incomplete.`)
      throw new UsageError(`${shown} cannot be applied to the answer: ${reason(error)}.`)
    }
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')
