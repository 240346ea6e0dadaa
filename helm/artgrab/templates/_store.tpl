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

{{/* The Secret of the user's that pods need, if there is one. */}}
{{- define "artgrab.ownSecret" -}}
{{- if .Values.objectStore.embedded.enabled }}{{ .Values.objectStore.embedded.existingSecret }}{{ else }}{{ .Values.store.existingSecret }}{{ end -}}
{{- end -}}

{{- define "artgrab.store.endpoint" -}}
{{- if .Values.objectStore.embedded.enabled -}}
http://{{ include "artgrab.objectStore.name" . }}.{{ .Release.Namespace }}.svc:8333
{{- else -}}
{{- .Values.store.endpoint -}}
{{- end -}}
{{- end -}}

{{- define "artgrab.store.configName" -}}{{ include "artgrab.fullname" . }}-store{{- end -}}

{{/* boto3 reads AWS_DEFAULT_REGION, others AWS_REGION; nobody may take the node's own role. */}}
{{- define "artgrab.store.config" -}}
{{- $region := .Values.store.region -}}
{{- $config := dict "AWS_REGION" $region "AWS_DEFAULT_REGION" $region "AWS_EC2_METADATA_DISABLED" "true" -}}
{{- with include "artgrab.store.endpoint" . }}{{ $_ := set $config "AWS_ENDPOINT_URL_S3" . }}{{ end -}}
{{- merge (dict "ARTGRAB_STORE" (include "artgrab.store.uri" .)) .Values.store.env $config | toYaml -}}
{{- end -}}

{{- define "artgrab.store.envFrom" -}}
- configMapRef:
    name: {{ include "artgrab.store.configName" . }}
{{- end -}}

{{/* The credentials, as a YAML list of variables; none with workload identity. */}}
{{- define "artgrab.store.credentials" -}}
{{- with include "artgrab.store.secretName" . -}}
{{- $secret := . -}}
{{- range $key := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $key }}
  valueFrom:
    secretKeyRef: {name: {{ $secret }}, key: {{ $key }}}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Whatever the pods' environment takes from objects of the chart: a change restarts them. */}}
{{- define "artgrab.store.checksum" -}}
{{- $embedded := .Values.objectStore.embedded -}}
{{- list (include "artgrab.store.config" .) $embedded.accessKey $embedded.secretKey | toJson | sha256sum -}}
{{- end -}}
