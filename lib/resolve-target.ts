import type { Environment } from './environment.js'
import { quoted, targetError } from './errors.js'
import { accountPartOf, parseRedshiftHost, parseRegionOnlyHost } from './host.js'
import { serverlessWorkgroup } from './identifiers.js'
import { isAwsClient, type RedshiftOptions } from './options.js'

/** What a login is for, as far as the options and the hosts specify it. */
export interface Target {
  /** Undefined if only a custom domain name is given, which does not show the kind. */
  readonly kind: 'provisioned' | 'serverless' | undefined
  /** Cluster identifier or workgroup. */
  readonly name: string | undefined
  /** Undefined if the AWS SDK determines the region. */
  readonly region: string | undefined
}

/** A target or a region, with the option or host that it comes from. */
interface Sourced<T> {
  readonly source: string
  readonly value: T
}

/** Returns the value that all sources agree on. Throws if two of them differ in what `compared` returns. */
function agreed<T>(
  what: string,
  values: readonly Sourced<T>[],
  format: (value: T) => string,
  compared: (value: T) => unknown = format,
): T | undefined {
  const [first, ...others] = values
  if (!first) return undefined
  for (const other of others)
    if (compared(other.value) !== compared(first.value))
      throw targetError(
        `${first.source} says ${what} ${quoted(format(first.value))}, but ${other.source} says ${quoted(format(other.value))}. ` +
          `Correct one of them, or leave ${first.source.split(' ')[0]} out.`,
      )
  return first.value
}

interface Named {
  readonly kind: 'provisioned' | 'serverless'
  readonly name: string
}

const clusterTarget = (name: string): Named => {
  const workgroup = serverlessWorkgroup(name)
  return workgroup === undefined ? { kind: 'provisioned', name } : { kind: 'serverless', name: workgroup }
}

/** Formats a host for messages. Users may paste a URL with a password, before an @ or among its parameters. */
const shown = (host: string): string => quoted(host.replace(/^[^/]*(?=@)/, '…').replace(/(?<=[?;]).+$/s, '…'))

/** Explains why a host does not identify a cluster or workgroup, and what to do. */
function explainUnrecognizedHost(host: string): string {
  // The AWS console copies host:port/database, or for JDBC jdbc:redshift:iam://host:port/database.
  const bare = host
    .trim()
    .replace(/^([a-z]+:)+\/\//i, '')
    .replace(/^[^/@]*@/, '')
    .replace(/[:/?;].*$/s, '')
  if (bare !== host && parseRedshiftHost(bare))
    return bare === host.trim()
      ? `The host ${shown(host)} has white space around it. Set host to ${quoted(bare)}.`
      : `The host ${shown(host)} contains more than a host name. Set host to ${quoted(bare)}, and set port and database separately.`
  if (/^\s*jdbc:/i.test(host))
    return `The host ${shown(host)} is a JDBC URL. Set host, port and database separately, or set clusterIdentifier or workgroupName, and region.`
  const form = parseRegionOnlyHost(host)?.form
  if (form === 'old-serverless')
    return `The host ${shown(host)} has an old form without the name of the workgroup. Set workgroupName.`
  if (form === 'managed-vpc-endpoint')
    return `The host ${shown(host)} looks like a managed VPC endpoint, which has a name of its own. Set clusterIdentifier or workgroupName, even if it is the same name.`
  return `The host ${shown(host)} does not identify a cluster or workgroup. Set clusterIdentifier or workgroupName, and region.`
}

const describe = ({ kind, name }: Named): string => `${kind} ${name}`

/** Refuses two hosts of the same name in different AWS accounts. */
const checkAccounts = (hosts: readonly Sourced<string>[]): void => {
  const known = hosts.filter(({ value }) => accountPartOf(value) !== undefined)
  agreed('the target is', known, value => value, accountPartOf)
}

/** Collects the hosts, and the targets and regions in them. */
function readHosts(option: string | undefined, connection: string | undefined, env: Environment) {
  const hosts: Sourced<string>[] = []
  if (option !== undefined) hosts.push({ source: 'host (option)', value: option })
  if (connection !== undefined) hosts.push({ source: 'host (connection)', value: connection })
  const fallback = hosts.length === 0 && env.PGHOST
  if (fallback) hosts.push({ source: 'PGHOST', value: fallback })
  const names: Sourced<Named>[] = []
  const regions: Sourced<string>[] = []
  for (const { source, value } of hosts) {
    const named = parseRedshiftHost(value)
    const host = named ?? parseRegionOnlyHost(value)
    if (named) names.push({ source, value: named })
    if (host) regions.push({ source, value: host.region })
  }
  return { hosts, names, regions }
}

/**
 * Refuses two hosts of different clusters, workgroups, regions or AWS accounts. For logins that do not need the target otherwise.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_TARGET`
 */
export function checkHosts(option: string | undefined, connection: string | undefined): void {
  const { hosts, names, regions } = readHosts(option, connection, {})
  agreed('the target is', names, describe)
  agreed('the region is', regions, value => value)
  checkAccounts(hosts)
}

/**
 * Determines the cluster or workgroup of a login, and its region. All sources must agree, because a login for one cluster must never be
 * sent to another.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_TARGET`
 */
export function resolveTarget(options: RedshiftOptions, connectionHost: string | undefined, env: Environment): Target {
  const { hosts, ...hosted } = readHosts(options.host, connectionHost, env)
  const names: Sourced<Named>[] = []
  const regions: Sourced<string>[] = []
  if (options.clusterIdentifier !== undefined)
    names.push({ source: 'clusterIdentifier', value: clusterTarget(options.clusterIdentifier) })
  if (options.workgroupName !== undefined)
    names.push({ source: 'workgroupName', value: { kind: 'serverless', name: options.workgroupName } })
  if (options.region !== undefined) regions.push({ source: 'region', value: options.region })
  if (options.aws && !isAwsClient(options.aws) && typeof options.aws.region === 'string')
    regions.push({ source: 'aws.region', value: options.aws.region })
  names.push(...hosted.names)
  regions.push(...hosted.regions)

  const target = agreed('the target is', names, describe)
  const region = agreed('the region is', regions, value => value)
  checkAccounts(hosts)
  if (target) return { kind: target.kind, name: target.name, region }

  const { customDomainName, api } = options
  if (customDomainName === undefined)
    throw targetError(
      hosts[0]
        ? explainUnrecognizedHost(hosts[0].value)
        : 'No cluster or workgroup is set. Set host to a Redshift host name, or set clusterIdentifier or workgroupName, and region.',
    )
  if (!api)
    throw targetError(
      `customDomainName ${quoted(customDomainName)} may belong to a cluster or to a workgroup. Set api, clusterIdentifier or workgroupName as well.`,
    )
  return { kind: undefined, name: undefined, region }
}
