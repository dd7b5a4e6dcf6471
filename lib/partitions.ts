/** One of AWS's partitions: regions that share accounts, ARNs and domain names. */
export interface Partition {
  /** The second part of an ARN: `aws-cn`. */
  readonly id: string
  /** How the names of its regions begin. */
  readonly prefix: string
  /** How the names of its hosts end. */
  readonly suffix: string
}

/** Every region that is in none of the others, as in the SDK. */
const COMMERCIAL: Partition = { id: 'aws', prefix: '', suffix: 'amazonaws.com' }

/** The SDK's table. AWS documents the suffixes for its APIs; that database hosts end in them as well is inferred. */
export const PARTITIONS: readonly Partition[] = [
  { id: 'aws-cn', prefix: 'cn-', suffix: 'amazonaws.com.cn' },
  { id: 'aws-us-gov', prefix: 'us-gov-', suffix: 'amazonaws.com' },
  { id: 'aws-eusc', prefix: 'eusc-de-', suffix: 'amazonaws.eu' },
  { id: 'aws-iso', prefix: 'us-iso-', suffix: 'c2s.ic.gov' },
  { id: 'aws-iso-b', prefix: 'us-isob-', suffix: 'sc2s.sgov.gov' },
  { id: 'aws-iso-e', prefix: 'eu-isoe-', suffix: 'cloud.adc-e.uk' },
  { id: 'aws-iso-f', prefix: 'us-isof-', suffix: 'csp.hci.ic.gov' },
  COMMERCIAL,
]

/** The partition that a region is in. */
export const partitionOf = (region: string): Partition =>
  PARTITIONS.find(({ prefix }) => region.startsWith(prefix)) ?? COMMERCIAL
