import { readFileSync } from 'node:fs'
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os'

/** Where and when the figures were measured. */
export interface Machine {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGB: number
  readonly system: string
  readonly node: string
  /** The load average when the bench began. Above 1, the machine was busy with something else. */
  readonly loadAtStart: number
  readonly packages: Readonly<Record<string, string>>
}

const PACKAGES = [
  'pg',
  '@aws-sdk/client-redshift',
  '@aws-sdk/rds-signer',
  '@aws-sdk/dsql-signer',
  '@smithy/core',
  '@aws/aurora-dsql-node-postgres-connector',
] as const

export function describeMachine(): Machine {
  const [cpu] = cpus()
  const version = (name: string): string => {
    const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    loadAtStart: Number(loadavg()[0]?.toFixed(2)),
    packages: Object.fromEntries(PACKAGES.map(name => [name, version(name)])),
  }
}

export const machineLine = ({ cpu, cores, memoryGB, system, node, loadAtStart, date }: Machine): string =>
  `${date}, ${cpu}, ${cores} cores, ${memoryGB} GB, ${system}, Node ${node}, load ${loadAtStart} at the start`
