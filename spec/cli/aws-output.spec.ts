import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { ended, useCli } from '../support/cli.js'

const { status, stdout: version } = spawnSync('aws', ['--version'], { encoding: 'utf8' })
const installed = status === 0
/** Version 1 of the AWS CLI has no YAML output. */
const YAML = installed && version.startsWith('aws-cli/2') ? ['yaml', 'yaml-stream'] : []

const CLUSTER = ['--cluster-identifier', 'examplecluster', '--db-user', 'alice', '--region', 'us-west-2']
const WORKGROUP = ['--workgroup-name', 'analytics', '--region', 'us-west-2']

describe(`Output of pg-redshift-iam credentials${installed ? '' : ' (skipped: aws is not installed)'}`, () => {
  const cli = useCli()
  before(function () {
    if (!installed) this.skip()
    // Both programs get the same password with the same expiry.
    cli.emulator.fail({ kind: 'same-expiry', samePassword: true })
    // Version 1 then prints times as version 2 does.
    writeFileSync(join(cli.folder, 'aws-config'), '[default]\ncli_timestamp_format = iso8601\n')
  })

  // Versions before 2.13 read the endpoint from the flag only.
  const runAws = (service: string, operation: string, parameters: readonly string[], env = cli.env) =>
    ended(
      spawn('aws', [service, operation, ...parameters, '--endpoint-url', cli.emulator.endpoint], {
        cwd: cli.folder,
        env,
      }),
    )

  const compare = async (service: string, operation: string, parameters: readonly string[]): Promise<void> => {
    const [aws, ours] = await Promise.all([
      runAws(service, operation, parameters),
      cli.run(['credentials', ...parameters]),
    ])
    expect(aws.code, aws.stderr).to.equal(0)
    expect(ours.code, ours.stderr).to.equal(0)
    expect(ours.stdout).to.equal(aws.stdout)
  }

  for (const output of ['json', 'text', 'table', ...YAML]) {
    it(`equals that of the AWS CLI for a cluster: ${output}`, () =>
      compare('redshift', 'get-cluster-credentials', [...CLUSTER, '--output', output]))

    it(`equals that of the AWS CLI for a workgroup: ${output}`, () =>
      compare('redshift-serverless', 'get-credentials', [...WORKGROUP, '--output', output]))
  }

  it('equals that of the AWS CLI if AWS chooses the user', () =>
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
    it(`equals that of the AWS CLI for a query, as ${output}: ${query}`, () =>
      compare('redshift', 'get-cluster-credentials', [...CLUSTER, '--output', output, '--query', query]))

  it('shows times as the service sends them if the profile sets cli_timestamp_format = wire', async () => {
    writeFileSync(join(cli.folder, 'aws-config'), '[profile wire]\ncli_timestamp_format = wire\noutput = text\n')
    const wire = ['--profile', 'wire']
    const env = { ...cli.env, AWS_SHARED_CREDENTIALS_FILE: join(cli.folder, 'keys') }
    writeFileSync(env.AWS_SHARED_CREDENTIALS_FILE, '[wire]\naws_access_key_id = a\naws_secret_access_key = b\n')
    for (const [service, operation, target] of [
      ['redshift', 'get-cluster-credentials', CLUSTER],
      ['redshift-serverless', 'get-credentials', WORKGROUP],
    ] as const) {
      const aws = await runAws(service, operation, [...target, ...wire], env)
      const ours = await cli.run(['credentials', ...target, ...wire], env)
      expect(ours.stdout, ours.stderr).to.equal(aws.stdout).and.not.equal('')
    }
  })

  it('equals that of the AWS CLI for skeletons', async function () {
    const { stdout } = await runAws('redshift', 'get-cluster-credentials', [...CLUSTER, '--generate-cli-skeleton'])
    // Older versions do not support custom domains.
    if (!stdout.includes('CustomDomainName')) this.skip()
    await compare('redshift', 'get-cluster-credentials', [...CLUSTER, '--generate-cli-skeleton'])
    await compare('redshift-serverless', 'get-credentials', [...WORKGROUP, '--generate-cli-skeleton', 'output'])
  })
})
