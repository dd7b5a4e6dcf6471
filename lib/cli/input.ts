import { type ErrorCode, LineCounter, parseDocument } from 'yaml'
import { UsageError } from './failure.js'
import { API_INPUTS } from './shapes.js'

/** Parameters of an AWS call as `--cli-input-json` and `--cli-input-yaml` give them, under the library's names. */
export interface CallInput {
  /** Which service's spelling the input has; undefined for none. */
  readonly service: 'redshift' | 'redshift-serverless' | undefined
  readonly parameters: Readonly<Record<string, unknown>>
}

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

function readJson(flag: string, source: string): unknown {
  try {
    return JSON.parse(source)
  } catch (error) {
    const [position, reason] = jsonProblem(source, error instanceof Error ? error.message : '')
    const { line, col } = positionAt(source, position)
    throw new UsageError(`${flag} is not valid JSON: ${reason} at line ${line}, column ${col}.`)
  }
}

/** Where JSON breaks off. V8 leaves the position out of some of its messages: there the YAML parser, whose language holds JSON, tells. */
function jsonProblem(source: string, message: string): [number, string] {
  const told = /^(.*?) in JSON at position (\d+)/.exec(message)
  if (told) return [Number(told[2]), told[1] ?? '']
  const errors = parseDocument(source, { schema: 'json' }).errors
  const first = errors.find(({ code }) => code !== ('MULTIPLE_DOCS' satisfies ErrorCode))
  return first && !/end of JSON/.test(message)
    ? [first.pos[0], 'an unexpected word or character']
    : [source.length, 'it ends too early']
}

function readYaml(flag: string, source: string): unknown {
  const document = parseDocument(source, { prettyErrors: false })
  const [error] = document.errors
  if (!error) return document.toJS()
  const { line, col } = positionAt(source, error.pos[0])
  throw new UsageError(`${flag} is not valid YAML: ${error.message} at line ${line}, column ${col}.`)
}

function positionAt(source: string, position: number): { line: number; col: number } {
  const counter = new LineCounter()
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) counter.addNewLine(at + 1)
  counter.addNewLine(0)
  counter.lineStarts.sort((a, b) => a - b)
  return counter.linePos(position)
}
