// Fetch, then connect, in CommonJS.
const { GetClusterCredentialsCommand, RedshiftClient } = require('@aws-sdk/client-redshift')
const pg = require('pg')
const { fetchThenConnect } = require('./target.mjs')

fetchThenConnect({ GetClusterCredentialsCommand, RedshiftClient }, pg)
