import type { AwsError } from './errors.js'
import type { Fields, WireProtocol, WireRequest, WireResponse } from './wire.js'

const namespaces: Readonly<Record<string, string>> = {
  '2012-12-01': 'http://redshift.amazonaws.com/doc/2012-12-01/',
  '2011-06-15': 'https://sts.amazonaws.com/doc/2011-06-15/',
}
const defaultNamespace = 'http://redshift.amazonaws.com/doc/2012-12-01/'

/** The AWS Query protocol of `redshift` and `sts`: requests are forms, responses are XML. */
export const queryXml: WireProtocol = {
  name: 'query',

  read(_headers, body): WireRequest {
    const form = new URLSearchParams(body)
    return { operation: form.get('Action') ?? '', version: form.get('Version') ?? '', parameters: formParameters(form) }
  },

  success({ operation, version }, fields, requestId): WireResponse {
    const namespace = namespaces[version] ?? defaultNamespace
    return {
      contentType: 'text/xml',
      body:
        `<${operation}Response xmlns="${namespace}"><${operation}Result>${elements(fields)}</${operation}Result>` +
        `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`,
    }
  },

  failure({ version }, error: AwsError, requestId): WireResponse {
    const { code, status } = error.in('query')
    const namespace = namespaces[version] ?? defaultNamespace
    const type = status < 500 ? 'Sender' : 'Receiver'
    return {
      contentType: 'text/xml',
      body:
        `<ErrorResponse xmlns="${namespace}"><Error>${elements({ Type: type, Code: code, Message: error.message })}</Error>` +
        `<RequestId>${requestId}</RequestId></ErrorResponse>`,
    }
  },
}

/** A list is sent as `DbGroups.DbGroup.1` or `DbGroups.member.1`; numbers and booleans are sent as strings. */
function formParameters(form: URLSearchParams): Record<string, unknown> {
  const parameters: Record<string, unknown> = {}
  const lists = new Map<string, string[]>()
  for (const [name, value] of form) {
    if (name === 'Action' || name === 'Version') continue
    const item = /^(\w+)\.\w+\.(\d+)$/.exec(name)
    if (item) {
      const [, list = '', index = ''] = item
      const items = lists.get(list) ?? []
      items[Number(index) - 1] = value
      lists.set(list, items)
    } else {
      parameters[name] = parseValue(name, value)
    }
  }
  for (const [name, items] of lists) parameters[name] = Object.values(items)
  return parameters
}

function parseValue(name: string, value: string): unknown {
  if (name === 'AutoCreate') return value === 'true'
  if ((name === 'DurationSeconds' || name === 'MaxRecords') && /^-?\d+$/.test(value)) return Number(value)
  return value
}

/** An array becomes a repeated element. */
function elements(fields: Fields): string {
  return Object.entries(fields)
    .flatMap(([name, value]) =>
      Array.isArray(value) ? value.map(item => [name, item] as const) : [[name, value] as const],
    )
    .map(([name, value]) => `<${name}>${content(value)}</${name}>`)
    .join('')
}

function content(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object' && value !== null) return elements(value as Fields)
  return String(value).replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
