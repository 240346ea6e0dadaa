{{/* All names and labels. The release name alone where it says artgrab already. */}}
{{- define "artgrab.fullname" -}}
{{- if contains "artgrab" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-artgrab" (.Release.Name | trunc 32 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{- define "artgrab.operator.name" -}}{{ include "artgrab.fullname" . }}-operator{{- end -}}
{{- define "artgrab.downloader.name" -}}{{ include "artgrab.fullname" . }}-downloader{{- end -}}
{{/* Pods of a StatefulSet have its name and "-" and ten characters as a label, which holds 63. */}}
{{- define "artgrab.objectStore.name" -}}{{ include "artgrab.fullname" . | trunc 39 | trimSuffix "-" }}-object-store{{- end -}}
{{- define "artgrab.tokenKey.name" -}}{{ include "artgrab.fullname" . }}-token-key{{- end -}}

{{- define "artgrab.downloader.endpoint" -}}
{{ include "artgrab.downloader.name" . }}.{{ .Release.Namespace }}.svc:50051
{{- end -}}

{{/* What never changes of a component's pods: (list $ "downloader"). */}}
{{- define "artgrab.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: artgrab
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "artgrab.labels" -}}
{{- $root := index . 0 -}}
{{ include "artgrab.selectorLabels" . }}
app.kubernetes.io/part-of: artgrab
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Pods that the operator makes, in whatever namespace: the component. */}}
{{- define "artgrab.jobPodLabels" -}}
app.kubernetes.io/name: artgrab
app.kubernetes.io/managed-by: artgrab-operator
app.kubernetes.io/component: {{ . }}
{{- end -}}

{{/* An image by tag or digest: (list $ .Values.operator.image). */}}
{{- define "artgrab.image" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{- $registry := required "image.registry: set it to where the images of `make images` were pushed" $root.Values.image.registry -}}
{{- $name := printf "%s/%s" (trimSuffix "/" $registry) $image.name -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (coalesce $image.tag $root.Values.image.tag $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
