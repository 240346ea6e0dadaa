{{/* The store: its address, its credentials and what its client finds in the environment. */}}
{{- define "artgrab.store.uri" -}}
{{- $embedded := .Values.objectStore.embedded -}}
{{- if $embedded.enabled }}s3://{{ $embedded.bucket }}{{ else }}{{ .Values.store.uri }}{{ end -}}
{{- end -}}

{{- define "artgrab.objectStore.secretName" -}}
{{- .Values.objectStore.embedded.existingSecret | default (include "artgrab.objectStore.name" .) -}}
{{- end -}}

{{- define "artgrab.store.secretName" -}}
{{- if .Values.objectStore.embedded.enabled }}{{ include "artgrab.objectStore.secretName" . }}{{ else }}{{ .Values.store.existingSecret }}{{ end -}}
{{- end -}}

{{- define "artgrab.store.endpoint" -}}
{{- if .Values.objectStore.embedded.enabled -}}
http://{{ include "artgrab.objectStore.name" . }}.{{ .Release.Namespace }}.svc:8333
{{- else -}}
{{- .Values.store.endpoint -}}
{{- end -}}
{{- end -}}

{{/* A JSON list. boto3 reads AWS_DEFAULT_REGION, others AWS_REGION; nobody may take the node's own role. */}}
{{- define "artgrab.store.env" -}}
{{- $region := .Values.store.region -}}
{{- $plain := dict "AWS_REGION" $region "AWS_DEFAULT_REGION" $region "AWS_EC2_METADATA_DISABLED" "true" -}}
{{- with include "artgrab.store.endpoint" . }}{{ $_ := set $plain "AWS_ENDPOINT_URL_S3" . }}{{ end -}}
{{- $plain = merge (dict) .Values.store.env $plain -}}
{{- $env := list -}}
{{- range $name := keys $plain | sortAlpha }}{{ $env = append $env (dict "name" $name "value" (get $plain $name)) }}{{ end -}}
{{- with include "artgrab.store.secretName" . -}}
{{- $secret := . -}}
{{- range $key := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" -}}
{{- $env = append $env (dict "name" $key "valueFrom" (dict "secretKeyRef" (dict "name" $secret "key" $key))) -}}
{{- end -}}
{{- end -}}
{{- toJson $env -}}
{{- end -}}
