import { PARTITIONS, partitionOf } from './partitions.js'

/** The parts of a Redshift host name. */
export interface RedshiftHost {
  /** `provisioned`: `name` is a cluster identifier. `serverless`: `name` is a workgroup. */
  readonly kind: 'provisioned' | 'serverless'
  /** The cluster identifier or the workgroup name, in lowercase. */
  readonly name: string
  /** The AWS region, such as `us-west-2`. */
  readonly region: string
}

/** A Redshift host name that contains its region, but neither a cluster nor a workgroup. */
export interface RegionOnlyHost {
  readonly form: 'old-serverless' | 'managed-vpc-endpoint'
  readonly region: string
}

const REGION = '([a-z]{2,}(?:-[a-z]+)+-\\d+)'
const CLUSTER = '(?=[^.]{1,63}\\.)([a-z](?:-?[a-z0-9])*)'
const WORKGROUP = '(?=[^.]{3,63}\\.)([a-z0-9](?:[a-z0-9-]*[a-z0-9]))'
const SUFFIX = `(${[...new Set(PARTITIONS.map(({ suffix }) => suffix.replaceAll('.', '\\.')))].join('|')})`

// Anchored at both ends: `….redshift.amazonaws.com.attacker.io` is not a Redshift host. The flag `i` folds ASCII only, while
// toLowerCase would turn the Kelvin sign into a k.
const PROVISIONED = new RegExp(`^${CLUSTER}\\.([a-z0-9]+)\\.${REGION}\\.redshift\\.${SUFFIX}\\.?$`, 'i')
// China has a second form of host names.
const PROVISIONED_CHINA = new RegExp(
  `^${CLUSTER}\\.([a-z0-9]+)\\.redshift\\.${REGION}\\.(amazonaws\\.com\\.cn)\\.?$`,
  'i',
)
const SERVERLESS = new RegExp(`^(?:${WORKGROUP}\\.)?(\\d{12})\\.${REGION}\\.redshift-serverless\\.${SUFFIX}\\.?$`, 'i')
// `<name>-endpoint-<hash>.…`: the first part names the endpoint, not the cluster or workgroup. The hash has at least 16
// characters, or at least 6 with a digit: a workgroup may be called `sales-endpoint-prod`.
const MANAGED_ENDPOINT = /-endpoint-(?=[a-z]*\d)[a-z0-9]{6,}$|-endpoint-[a-z0-9]{16,}$/

const MAX_LENGTH = 254

/** All parts of a Redshift host name. */
interface HostParts {
  readonly kind: RedshiftHost['kind']
  readonly name: string | undefined
  /** The account's number (serverless), or a hash that differs between accounts (provisioned). */
  readonly account: string | undefined
  readonly region: string
}

function read(host: unknown): HostParts | undefined {
  if (typeof host !== 'string' || host.length > MAX_LENGTH) return undefined
  const provisioned = PROVISIONED.exec(host) ?? PROVISIONED_CHINA.exec(host)
  const [, name, account, region, suffix] = (provisioned ?? SERVERLESS.exec(host) ?? []).map(part =>
    part?.toLowerCase(),
  )
  // No host combines a region of one partition with the suffix of another.
  return region === undefined || partitionOf(region).suffix !== suffix
    ? undefined
    : { kind: provisioned ? 'provisioned' : 'serverless', name, account, region }
}

/**
 * Parses a Redshift host name: `<cluster>.<hash>.<region>.redshift.amazonaws.com` or
 * `<workgroup>.<account>.<region>.redshift-serverless.amazonaws.com`. Host names in other AWS partitions have other suffixes, such as
 * `amazonaws.com.cn`, `amazonaws.eu` or `c2s.ic.gov`. The suffix must belong to the partition of the region. Case is ignored, and one
 * trailing dot is allowed.
 *
 * @returns undefined for every other host: an IP address, a tunnel, a custom domain, a VPC endpoint. The function does not guess.
 * @see https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-from-psql.html
 */
export function parseRedshiftHost(host: string): RedshiftHost | undefined {
  const { kind, name, region } = read(host) ?? {}
  return kind && name && region && !MANAGED_ENDPOINT.test(name) ? { kind, name, region } : undefined
}

/**
 * Returns the part of a Redshift host name that differs between AWS accounts: hosts of one cluster or workgroup have the same one.
 * Undefined for a managed VPC endpoint, which another account may own, and for any other host.
 */
export function accountPartOf(host: string): string | undefined {
  return parseRegionOnlyHost(host)?.form === 'managed-vpc-endpoint' ? undefined : read(host)?.account
}

/** Parses a Redshift host name that contains neither a cluster nor a workgroup. Returns undefined for any other host. */
export function parseRegionOnlyHost(host: string): RegionOnlyHost | undefined {
  const { name, region } = read(host) ?? {}
  if (!region || parseRedshiftHost(host)) return undefined
  return { form: name === undefined ? 'old-serverless' : 'managed-vpc-endpoint', region }
}
