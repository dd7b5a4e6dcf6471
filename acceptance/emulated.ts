import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRedshiftHost } from 'pg-redshift-iam'
import { type EmulatorOptions, type RedshiftEmulator, startRedshiftEmulator } from 'pg-redshift-iam/emulator'
import type { Target } from './target.js'

const LIFETIME_SECONDS = 6

/** An emulator, as a target of the kit. */
export interface Emulated {
  readonly emulator: RedshiftEmulator
  readonly target: Target
  close(): Promise<void>
}

/** Starts an emulator that supports every question. */
export async function startEmulated(kind: Target['kind'], options?: EmulatorOptions): Promise<Emulated> {
  const database = 'dev'
  const emulator = await startRedshiftEmulator({
    databases: [database, 'sales'],
    users: ['alice'],
    lifetimeSeconds: LIFETIME_SECONDS,
    redshiftDialect: true,
    ...options,
  })
  await emulator.query(
    `CREATE TABLE category (catid smallint, catgroup varchar(10), catname varchar(10));
     INSERT INTO category VALUES (6, 'Shows', 'Musicals'), (9, 'Concerts', 'Pop');
     GRANT SELECT ON category TO PUBLIC`,
    database,
  )
  const { host } = emulator.poolConfig(kind)
  const parsed = parseRedshiftHost(host)
  if (!parsed) throw new Error(`${host} is not a Redshift host.`)
  const folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-acceptance-'))
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, emulator.ca)
  const { accessKeyId, secretAccessKey, sessionToken } = emulator.aws.credentials
  return {
    emulator,
    target: {
      kind,
      host,
      name: parsed.name,
      region: parsed.region,
      dial: emulator.address,
      ca: emulator.ca,
      database,
      otherDatabase: 'sales',
      dbUser: kind === 'provisioned' ? 'alice' : undefined,
      dbGroups: ['readers', 'writers'],
      aws: emulator.aws,
      stsEndpoint: emulator.endpoint,
      lifetimeSeconds: LIFETIME_SECONDS,
      long: true,
      paceMillis: 0,
      programs: {
        nodeOptions: ['--import', 'tsx', '--import', './spec/support/redirect.ts'],
        env: {
          HOME: folder,
          NODE_EXTRA_CA_CERTS: ca,
          REDSHIFT_EMULATOR_GATEWAY: `${emulator.address.host}:${emulator.address.port}`,
          AWS_ENDPOINT_URL_REDSHIFT: emulator.endpoint,
          AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS: emulator.endpoint,
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
          AWS_SESSION_TOKEN: sessionToken,
          AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        },
      },
    },
    async close() {
      rmSync(folder, { recursive: true, force: true })
      await emulator.close()
    },
  }
}
