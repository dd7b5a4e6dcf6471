import { createHash } from 'node:crypto'
import { parseRedshiftHost } from '../host.js'
import { badOption } from './bad-option.js'

/** An emulated cluster or workgroup. */
export interface Target {
  readonly kind: 'provisioned' | 'serverless'
  readonly name: string
  readonly region: string
  readonly account: string
  /** Its host names, its own first, custom domain names last. */
  readonly hosts: string[]
  readonly customDomains: string[]
}

/** The AWS account of provisioned clusters. The host name of a workgroup contains its account. */
export const defaultAccount = '123456789012'

/** The emulated clusters and workgroups. */
export class Targets {
  readonly all: readonly Target[]

  constructor(hosts: readonly string[], customDomains: Readonly<Record<string, string>>) {
    const targets: Target[] = []
    for (const host of hosts.map(normalizeHost)) {
      const described = describeHost(host)
      const known = targets.find(target => isSame(target, described))
      if (known) known.hosts.push(host)
      else targets.push({ ...described, hosts: [host], customDomains: [] })
    }
    for (const [domain, name] of Object.entries(customDomains)) {
      const target = targets.find(candidate => candidate.name === name)
      if (!target)
        throw badOption('customDomains', `no host in hosts belongs to "${name}". Add its host name to hosts.`)
      target.hosts.push(normalizeHost(domain))
      target.customDomains.push(normalizeHost(domain))
    }
    this.all = targets
  }

  /** Finds the target by its own host name or a custom domain name. */
  byHost(host: string | undefined): Target | undefined {
    return host === undefined ? undefined : this.all.find(target => target.hosts.includes(normalizeHost(host)))
  }

  byCustomDomain(domain: string): Target | undefined {
    return this.all.find(target => target.customDomains.includes(normalizeHost(domain)))
  }

  /** A cluster or workgroup exists only in its own region. */
  byName(kind: Target['kind'], name: string, region: string | undefined): Target | undefined {
    return this.all.find(target => target.kind === kind && target.name === name && target.region === region)
  }
}

/** Whether this is a name of the target: a host, a custom domain, the cluster or the workgroup. */
export function hasName(target: Target, name: string): boolean {
  return target.name === name || target.hosts.includes(normalizeHost(name))
}

/** The ID that the ARN of a workgroup ends with: a UUID that depends only on its account, region and name. */
export function workgroupId({ account, region, name }: Target): string {
  const hex = createHash('sha256').update(`${account}/${region}/${name}`).digest('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}

function describeHost(host: string): Omit<Target, 'hosts' | 'customDomains'> {
  const parsed = parseRedshiftHost(host)
  const [, account = ''] = host.split('.')
  if (parsed) return { ...parsed, account: parsed.kind === 'serverless' ? account : defaultAccount }
  throw badOption(
    'hosts',
    `"${host}" is not a Redshift host name. Add it to customDomains, with the name of its cluster or workgroup.`,
  )
}

function isSame(a: Pick<Target, 'kind' | 'name' | 'region'>, b: Pick<Target, 'kind' | 'name' | 'region'>): boolean {
  return a.kind === b.kind && a.name === b.name && a.region === b.region
}

function normalizeHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}
