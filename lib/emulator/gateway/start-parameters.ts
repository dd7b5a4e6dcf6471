import type { Refusal } from '../logins.js'
import { configuration, inheritedParameters } from './configuration.js'

/** What AWS's drivers send about themselves and the kind of login. PostgreSQL has none of these parameters. */
const driverParameters = [
  'client_protocol_version',
  'driver_version',
  'os_version',
  'driver_discovery_version',
  'plugin_name',
  'idp_type',
  'provider_name',
  'token_type',
  'identity_namespace',
  'idc_client_display_name',
  // The server decides about compression. The emulator never compresses.
  '_pq_.compression',
]

/** Parameters of the protocol itself, which every server has. */
const protocolParameters = ['user', 'database', 'options', 'replication']

/** The start-up parameters without those that only Redshift knows, for which PostgreSQL would refuse the session. */
export function withoutDriverParameters(parameters: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...parameters].filter(([name]) => !driverParameters.includes(name)))
}

/**
 * Redshift's error for these start-up parameters, or parameters for PostgreSQL. Redshift's own configuration parameters become custom
 * parameters (`redshift.…`) with their defaults.
 */
export function redshiftStartParameters(
  parameters: ReadonlyMap<string, string>,
): { readonly refusal: Refusal } | { readonly parameters: Map<string, string> } {
  const { options = '', ...rest } = Object.fromEntries(withoutDriverParameters(parameters))
  const { settings, others } = parseOptions(options)
  const started = new Map(Object.entries(configuration).map(([name, value]) => [`redshift.${name}`, value]))
  if (others !== '') started.set('options', others)
  for (const [name, value] of [...Object.entries(rest), ...settings]) {
    const lowerCase = name.toLowerCase()
    const refusal = parameterRefusal(lowerCase, value)
    if (refusal) return { refusal }
    if (Object.hasOwn(configuration, lowerCase)) started.set(`redshift.${lowerCase}`, value)
    else started.set(name, value)
  }
  return { parameters: started }
}

/** Redshift's error for this parameter. Users have reported the messages about `lc_…` and unknown parameters. The one about the range has PostgreSQL's own form, with Redshift's bound. */
export function parameterRefusal(name: string, value: string): Refusal | undefined {
  if (name.startsWith('lc_')) {
    return { sqlstate: '42501', message: `permission denied to set parameter "${name}" to "${value}"` }
  }
  if (name === 'extra_float_digits' && Number(value) > 2) {
    return { sqlstate: '22023', message: `${value} is outside the valid range for parameter "${name}" (-15 .. 2)` }
  }
  const isKnown =
    Object.hasOwn(configuration, name) || inheritedParameters.includes(name) || protocolParameters.includes(name)
  if (isKnown) return undefined
  return { sqlstate: '42704', message: `unrecognized configuration parameter "${name}"` }
}

/** The settings in the parameter `options` (`-c name=value`, `--name=value`), and the rest of it. */
function parseOptions(options: string): { settings: [name: string, value: string][]; others: string } {
  const settings: [string, string][] = []
  const others: string[] = []
  const words = options.match(/(?:\\.|[^\s\\])+/g) ?? []
  while (words.length > 0) {
    const word = words.shift() ?? ''
    const setting = word === '-c' ? words.shift() : /^(?:-c|--)(.+)$/.exec(word)?.[1]
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(setting ?? '') ?? []
    if (name === undefined || value === undefined) others.push(word, ...(word === '-c' && setting ? [setting] : []))
    else settings.push([name.replaceAll('-', '_'), value.replace(/\\(.)/g, '$1')])
  }
  return { settings, others: others.join(' ') }
}
