/** An AWS partition: a group of regions with their own accounts, ARNs and domain names. */
export interface Partition {
  /** The second part of an ARN: `aws-cn`. */
  readonly id: string
  /** The prefix of its region names. */
  readonly prefix: string
  /** The suffix of its host names. */
  readonly suffix: string
}

/** The default: every region that is in no other partition, as in the AWS SDK. */
const COMMERCIAL: Partition = { id: 'aws', prefix: '', suffix: 'amazonaws.com' }

/** The AWS SDK's table. AWS documents these suffixes for its APIs; we assume that database hosts have the same ones. */
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

/** Returns the partition of a region. */
export const partitionOf = (region: string): Partition =>
  PARTITIONS.find(({ prefix }) => region.startsWith(prefix)) ?? COMMERCIAL
