import { LineCounter, parseDocument, visit } from 'yaml'
import type { CallInput } from '../login/options.js'
import { UsageError } from '../terminal/failure.js'
import { PARAMETERS } from './shapes.js'

/** Parses an input document. Errors contain the line and the column. */
export function readInput(flag: '--cli-input-json' | '--cli-input-yaml', source: string): CallInput {
  const document = flag === '--cli-input-json' ? readJson(flag, source) : readYaml(flag, source)
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new UsageError(`${flag} is not an object. Write it as --generate-cli-skeleton prints it.`)
  const names = Object.keys(document)
  const service = names.length === 0 ? undefined : serviceOf(names[0] ?? '')
  const known = service === 'redshift-serverless' ? PARAMETERS.GetCredentials : PARAMETERS.GetClusterCredentials
  const unknown = names.find(name => !Object.hasOwn(known, name))
  if (unknown !== undefined)
    throw new UsageError(
      `${flag} contains ${JSON.stringify(unknown)}, which is not a parameter of the operation. The parameters are ${Object.keys(known).join(', ')}.`,
    )
  const parameters = Object.entries(document).map(([name, value]) => [lowerFirst(name), value])
  return { service, parameters: Object.fromEntries(parameters) }
}

// The first letter of a parameter is uppercase in one service and lowercase in the other.
const serviceOf = (name: string): CallInput['service'] => (/^[A-Z]/.test(name) ? 'redshift' : 'redshift-serverless')

const lowerFirst = (name: string): string => `${name.charAt(0).toLowerCase()}${name.slice(1)}`

function readJson(flag: string, text: string): unknown {
  const source = text.replace(/^\uFEFF/, '')
  try {
    return JSON.parse(source)
  } catch {
    const [position, reason] = findJsonError(source)
    throw new UsageError(`${flag} is not valid JSON: ${reason} at ${placeOf(source, position)}.`)
  }
}

/** Returns where JSON becomes invalid: at the end of the shortest part that no continuation makes valid. Some messages of V8 omit it. */
function findJsonError(source: string): [position: number, reason: string] {
  const reason = invalidity(source)
  if (reason === undefined) return [source.length, 'it ends too early']
  let valid = 0
  let invalid = source.length
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2)
    if (invalidity(source.slice(0, middle)) === undefined) valid = middle
    else invalid = middle
  }
  return [invalid - 1, reason]
}

/** Returns why text cannot be the start of a JSON document; undefined if it is only incomplete. */
function invalidity(part: string): string | undefined {
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
  // The log level suppresses a warning about collections as keys, which are rejected later.
  const document = parseDocument(source, { prettyErrors: false, logLevel: 'error' })
  const [error] = document.errors
  if (error?.code === 'MULTIPLE_DOCS')
    throw new UsageError(`${flag} is not valid YAML: a second document begins at ${placeOf(source, error.pos[0])}.`)
  if (error) throw new UsageError(`${flag} is not valid YAML: ${error.message} at ${placeOf(source, error.pos[0])}.`)
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document)) return
      const place = placeOf(source, alias.range?.[0] ?? 0)
      throw new UsageError(`${flag} is not valid YAML: &${alias.source} is not defined at ${place}.`)
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
