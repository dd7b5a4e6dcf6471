// Fetch, then connect.
import { GetClusterCredentialsCommand, RedshiftClient } from '@aws-sdk/client-redshift'
import pg from 'pg'
import { fetchThenConnect } from './target.mjs'

await fetchThenConnect({ GetClusterCredentialsCommand, RedshiftClient }, pg)
