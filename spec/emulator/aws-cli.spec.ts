import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { connect } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

const run = promisify(execFile)
const installed = spawnSync('aws', ['--version']).status === 0

describe(`The AWS CLI${installed ? '' : ' (skipped: aws is not installed)'}`, () => {
  let emulator: RedshiftEmulator
  before(async function () {
    if (!installed) this.skip()
    emulator = await startEmulator()
  })
  after(() => emulator?.close())

  const aws = async (...args: string[]) => {
    const { accessKeyId, secretAccessKey, sessionToken } = emulator.aws.credentials
    // Versions before 2.13 accept the endpoint only as a flag.
    const { stdout } = await run('aws', [...args, '--output', 'json', '--endpoint-url', emulator.endpoint], {
      env: {
        ...process.env,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
        AWS_REGION: 'us-west-2',
        AWS_DEFAULT_REGION: 'us-west-2',
        AWS_MAX_ATTEMPTS: '1',
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      },
    })
    return JSON.parse(stdout)
  }

  it('gets a login that works from a cluster', async () => {
    const response = await aws(
      ...['redshift', 'get-cluster-credentials', '--cluster-identifier', 'examplecluster', '--db-user', 'alice'],
      ...['--db-name', 'dev', '--db-groups', 'readers', 'writers', '--auto-create', '--duration-seconds', '1800'],
    )
    expect(Object.keys(response).sort()).to.deep.equal(['DbPassword', 'DbUser', 'Expiration'])
    expect(response.DbUser).to.equal('IAMA:alice:readers,writers')
    expect(emulator.calls.at(-1)?.parameters).to.deep.equal({
      ClusterIdentifier: 'examplecluster',
      DbUser: 'alice',
      DbName: 'dev',
      DbGroups: ['readers', 'writers'],
      AutoCreate: true,
      DurationSeconds: 1800,
    })
    await (await connect(emulator, { user: response.DbUser, password: response.DbPassword })).end()
    const { DbUser, NextRefreshTime, Expiration } = await aws(
      ...['redshift', 'get-cluster-credentials-with-iam', '--cluster-identifier', 'examplecluster'],
    )
    expect(DbUser).to.equal('IAMR:analyst')
    expect(Date.parse(NextRefreshTime)).to.equal(Date.parse(Expiration))
  })

  it('gets a login that works from a workgroup', async () => {
    const response = await aws(
      'redshift-serverless',
      'get-credentials',
      '--workgroup-name',
      'analytics',
      '--db-name',
      'dev',
    )
    expect(response.dbUser).to.equal('IAMR:analyst')
    const login = { user: response.dbUser, password: response.dbPassword }
    await (await connect(emulator, login, emulator.poolConfig('serverless'))).end()
  })

  it('describes clusters and workgroups, and its caller', async () => {
    const { Clusters } = await aws('redshift', 'describe-clusters')
    expect(Clusters[0].Endpoint.Port).to.equal(emulator.address.port)
    const { workgroup } = await aws('redshift-serverless', 'get-workgroup', '--workgroup-name', 'analytics')
    expect(workgroup.endpoint.port).to.equal(emulator.address.port)
    const { Arn } = await aws('sts', 'get-caller-identity')
    expect(Arn).to.equal('arn:aws:sts::123456789012:assumed-role/analyst/session')
  })

  it('shows errors like those of AWS', async () => {
    const unknown = await rejection(
      aws('redshift', 'get-cluster-credentials', '--cluster-identifier', 'unknown', '--db-user', 'alice'),
    )
    expect(unknown.message).to.match(
      /An error occurred \(ClusterNotFound\) when calling the GetClusterCredentials operation.*: Cluster unknown not found\./,
    )
    emulator.fail({ kind: 'throttling' }, { times: 1 })
    const throttled = await rejection(aws('redshift-serverless', 'get-credentials', '--workgroup-name', 'analytics'))
    expect(throttled.message).to.include(
      'An error occurred (ThrottlingException) when calling the GetCredentials operation',
    )
    expect(throttled.message).to.include('Rate exceeded')
  })
})
