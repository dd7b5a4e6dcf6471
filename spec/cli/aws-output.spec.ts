import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { Cli, ended } from '../support/cli.js'
import { startEmulator } from '../support/emulator.js'

const { status, stdout: version } = spawnSync('aws', ['--version'], { encoding: 'utf8' })
const installed = status === 0
/** Version 1 has neither of them. */
const YAML = installed && version.startsWith('aws-cli/2') ? ['yaml', 'yaml-stream'] : []

const CLUSTER = ['--cluster-identifier', 'examplecluster', '--db-user', 'alice', '--region', 'us-west-2']
const WORKGROUP = ['--workgroup-name', 'analytics', '--region', 'us-west-2']

describe(`Output of pg-redshift-iam credentials${installed ? '' : ' (skipped: aws is not installed)'}`, function () {
  this.timeout(60_000)
  let emulator: RedshiftEmulator
  let cli: Cli
  before(async function () {
    if (!installed) this.skip()
    emulator = await startEmulator()
    // Both programs get the same password with the same expiry.
    emulator.fail({ kind: 'same-expiry', samePassword: true })
    cli = await Cli.build(emulator)
    // The format of version 2, in version 1 too.
    writeFileSync(join(cli.folder, 'aws-config'), '[default]\ncli_timestamp_format = iso8601\n')
  })
  after(() => {
    cli?.close()
    return emulator?.close()
  })

  // Versions before 2.13 know the endpoint by its flag alone.
  const theirs = (service: string, operation: string, parameters: readonly string[], env = cli.env) =>
    ended(
      spawn('aws', [service, operation, ...parameters, '--endpoint-url', emulator.endpoint], { cwd: cli.folder, env }),
    )

  const compare = async (service: string, operation: string, parameters: readonly string[]): Promise<void> => {
    const [aws, ours] = await Promise.all([
      theirs(service, operation, parameters),
      cli.run(['credentials', ...parameters]),
    ])
    expect(aws.code, aws.stderr).to.equal(0)
    expect(ours.code, ours.stderr).to.equal(0)
    expect(ours.stdout).to.equal(aws.stdout)
  }

  for (const output of ['json', 'text', 'table', ...YAML]) {
    it(`is the AWS CLI's to the letter, as ${output}, for a cluster`, () =>
      compare('redshift', 'get-cluster-credentials', [...CLUSTER, '--output', output]))

    it(`is the AWS CLI's to the letter, as ${output}, for a workgroup`, () =>
      compare('redshift-serverless', 'get-credentials', [...WORKGROUP, '--output', output]))
  }

  it("is the AWS CLI's to the letter for a cluster where AWS names the user", () =>
    compare('redshift', 'get-cluster-credentials-with-iam', [
      '--cluster-identifier',
      'examplecluster',
      '--region',
      'us-west-2',
    ]))

  for (const [output, query] of [
    ['json', '{user: DbUser, parts: [DbUser, `1`, `null`, `true`], empty: `[]`}'],
    ['text', '{user: DbUser, parts: [DbUser, `1`, `null`, `true`], rows: `[{"a": 1, "b": 2}, {"b": 3}]`}'],
    ['table', '{aaaaaaaaaaaaaaaa: DbUser, b: `1`, c: `2`}'],
    ['table', '{user: DbUser, nested: {expiration: Expiration, list: [DbUser, Expiration]}}'],
    ['table', '`[{"a": 1}, {"a": 2, "b": [{"c": 1}]}]`'],
    ['table', '[[DbUser, Expiration], [`true`, `null`]]'],
    ['table', '[[DbUser, `"a\\tb"`]]'],
    ['table', '`[[], []]`'],
    ['table', '`[{}]`'],
    ['table', '{a: `{"b": "\\u0001"}`}'],
  ] as const)
    it(`is the AWS CLI's to the letter, as ${output}, of a query: ${query}`, () =>
      compare('redshift', 'get-cluster-credentials', [...CLUSTER, '--output', output, '--query', query]))

  it('has the times as the service sends them where the profile asks for that', async () => {
    writeFileSync(join(cli.folder, 'aws-config'), '[profile wire]\ncli_timestamp_format = wire\noutput = text\n')
    const wire = ['--profile', 'wire']
    const env = { ...cli.env, AWS_SHARED_CREDENTIALS_FILE: join(cli.folder, 'keys') }
    writeFileSync(env.AWS_SHARED_CREDENTIALS_FILE, '[wire]\naws_access_key_id = a\naws_secret_access_key = b\n')
    for (const [service, operation, target] of [
      ['redshift', 'get-cluster-credentials', CLUSTER],
      ['redshift-serverless', 'get-credentials', WORKGROUP],
    ] as const) {
      const aws = await theirs(service, operation, [...target, ...wire], env)
      const ours = await cli.run(['credentials', ...target, ...wire], env)
      expect(ours.stdout, ours.stderr).to.equal(aws.stdout).and.not.equal('')
    }
  })

  it('is the same for skeletons of input and output', async function () {
    const { stdout } = await theirs('redshift', 'get-cluster-credentials', [...CLUSTER, '--generate-cli-skeleton'])
    // Older versions do not know custom domains.
    if (!stdout.includes('CustomDomainName')) this.skip()
    await compare('redshift', 'get-cluster-credentials', [...CLUSTER, '--generate-cli-skeleton'])
    await compare('redshift-serverless', 'get-credentials', [...WORKGROUP, '--generate-cli-skeleton', 'output'])
  })
})
