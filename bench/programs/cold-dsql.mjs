// AWS's connector for another database. It calls no API, but signs with AWS credentials, which it gets after the response time of
// AWS. Its token is not valid for Redshift, so the time ends when the server rejects it, which is earlier than a login.
import { setTimeout as sleep } from 'node:timers/promises'
import { AuroraDSQLClient } from '@aws/aurora-dsql-node-postgres-connector'
import { aws, config, opened } from './target.mjs'

const customCredentialsProvider = async () => {
  await sleep(Number(process.env.BENCH_AWS_MILLIS))
  return aws.credentials
}
const client = new AuroraDSQLClient({ ...config, user: 'IAM:alice', region: 'us-west-2', customCredentialsProvider })
client.on('error', () => {})
const error = await client.connect().catch(error => error)
if (error?.code !== '28000' && error?.code !== '28P01') throw error
opened()
