import { LineCounter, parseDocument, visit } from 'yaml'
import type { CallInput } from '../login/options.js'
import { UsageError } from '../terminal/failure.js'
import { API_INPUTS } from './shapes.js'

/** Reads an input document. What is wrong with it is told with its line and column. */
export function readInput(flag: '--cli-input-json' | '--cli-input-yaml', source: string): CallInput {
  const document = flag === '--cli-input-json' ? readJson(flag, source) : readYaml(flag, source)
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new UsageError(`${flag} holds no object. Write it as --generate-cli-skeleton prints it.`)
  const names = Object.keys(document)
  const service = names.length === 0 ? undefined : serviceOf(names[0] ?? '')
  const known = service === 'redshift-serverless' ? API_INPUTS.GetCredentials : API_INPUTS.GetClusterCredentials
  const unknown = names.find(name => !Object.hasOwn(known, name))
  if (unknown !== undefined)
    throw new UsageError(
      `${flag} holds ${JSON.stringify(unknown)}, which is no parameter of the call. It takes ${Object.keys(known).join(', ')}.`,
    )
  const parameters = Object.entries(document).map(([name, value]) => [lowerFirst(name), value])
  return { service, parameters: Object.fromEntries(parameters) }
}

// The two services spell the same parameter with a large and a small first letter.
const serviceOf = (name: string): CallInput['service'] => (/^[A-Z]/.test(name) ? 'redshift' : 'redshift-serverless')

const lowerFirst = (name: string): string => `${name.charAt(0).toLowerCase()}${name.slice(1)}`

function readJson(flag: string, text: string): unknown {
  const source = text.replace(/^\uFEFF/, '')
  try {
    return JSON.parse(source)
  } catch {
    const [position, reason] = jsonProblem(source)
    throw new UsageError(`${flag} is not valid JSON: ${reason} at ${placeOf(source, position)}.`)
  }
}

/** Where JSON breaks off. V8 leaves the position out of some of its messages: it is the end of the shortest part that nothing can mend. */
function jsonProblem(source: string): [position: number, reason: string] {
  const whole = breakage(source)
  if (whole === undefined) return [source.length, 'it ends too early']
  let good = 0
  let broken = source.length
  while (broken - good > 1) {
    const middle = Math.floor((good + broken) / 2)
    if (breakage(source.slice(0, middle)) === undefined) good = middle
    else broken = middle
  }
  return [broken - 1, whole]
}

/** Why a part of a JSON text cannot be the start of one; undefined where it only ends too early. */
function breakage(part: string): string | undefined {
  try {
    JSON.parse(part)
    return undefined
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    const [, reason, position] = /^(.*?)(?: in JSON)? at position (\d+)/.exec(message) ?? []
    if (/^Unexpected token/.test(message) || reason === undefined)
      return /^Unexpected end/.test(message) ? undefined : 'an unexpected word or character'
    return Number(position) < part.length ? reason : undefined
  }
}

function readYaml(flag: string, source: string): unknown {
  // A collection as a key is no parameter: Node need not be told by a warning.
  const document = parseDocument(source, { prettyErrors: false, logLevel: 'error' })
  const [error] = document.errors
  if (error?.code === 'MULTIPLE_DOCS')
    throw new UsageError(`${flag} is not valid YAML: a second document begins at ${placeOf(source, error.pos[0])}.`)
  if (error) throw new UsageError(`${flag} is not valid YAML: ${error.message} at ${placeOf(source, error.pos[0])}.`)
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return
      const place = placeOf(source, alias.range?.[0] ?? 0)
      throw new UsageError(`${flag} is not valid YAML: nothing is named &${alias.source} at ${place}.`)
    },
  })
  return document.toJS()
}

function placeOf(source: string, position: number): string {
  const counter = new LineCounter()
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) counter.addNewLine(at + 1)
  counter.addNewLine(0)
  counter.lineStarts.sort((a, b) => a - b)
  const { line, col } = counter.linePos(position)
  return `line ${line}, column ${col}`
}
